"""Measurements. Each prints shares of a bare baseline taken in the same run: absolute figures are the machine's."""
