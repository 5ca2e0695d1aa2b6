"""Whether a book may be believed, and why not."""

from enum import StrEnum


class Trust(StrEnum):
    """Only a `LIVE` book gives readings (signals.md section 1)."""

    SYNCING = "syncing"
    LIVE = "live"
    STALE = "stale"
    UNTRUSTED = "untrusted"


class TrustReason(StrEnum):
    """Why a book is in the state it is in."""

    STARTING = "starting"
    CONNECTED = "connected"
    SYNCHRONISED = "synchronised"
    DISCONNECTED = "disconnected"
    GAP = "gap"
    CHECKSUM = "checksum"
    MALFORMED = "malformed_frame"
    CROSSED = "crossed"
    SILENT = "silent"
    INVARIANT = "invariant_broken"
    OVERFLOW = "overflow"
    MAINTENANCE = "maintenance"
    REJECTED = "rejected"
    REFUSED = "venue_refused"
    AUDIT = "audit_differs"
    NARROWED = "known_range_narrowed"
    STOPPED = "stopped"
    REMOVED = "removed"
    DELISTED = "delisted"
