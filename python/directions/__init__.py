"""The ways in which a network can answer with a direction: what it says, how it is trained to, and how it is read.

Each file in `answers/` is one way, found by being there (`find.py`); what all of them promise stands in `answer.py`.
"""
