# SPDX-License-Identifier: MIT
"""The torture test, from what is done to echod to what is allowed. torture.py is the program."""
