"""What Pointbell is measured against: the ordinary way to do each thing, written with care and without handicaps.

These modules run in the peers' own environment (``.bench/venv``) and import nothing of Pointbell.
"""
