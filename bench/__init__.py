"""Figures of this project, each beside a raw baseline of the same run. Not installed."""
