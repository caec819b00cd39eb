# SPDX-License-Identifier: MIT
"""The benchmark, from the table of peers to the report. bench.py is the program."""
