"""The only package that executes a student's code: a notebook goes in, an `Execution` comes out.

Nothing is imported here: a kernel is made of parts of this package, and would pay for all the others as it starts.
"""
