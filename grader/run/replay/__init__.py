"""Rebuilding a student's model and measuring it, in a fresh process that no code of the student's runs in."""
