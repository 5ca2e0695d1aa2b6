"""What lies on disk between the monitor and the database, so that nothing accepted is lost."""

from .label import identity_of
from .spool import ROOT, Spool, SpoolFigures
from .survey import SpoolState, SpoolSurvey, survey

__all__ = ["ROOT", "Spool", "SpoolFigures", "SpoolState", "SpoolSurvey", "identity_of", "survey"]
