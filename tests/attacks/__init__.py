"""Attacks on the grader as cells of notebooks, and what came of them, seen from outside."""
