"""Tidegauge: a real-time liquidity-risk monitor for crypto venues."""

__version__ = "0.1.0"
