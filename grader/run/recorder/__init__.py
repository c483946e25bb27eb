"""Runs inside the student's kernel and writes down what the notebook does with Keras.

The recorder judges nothing and trusts nothing of what it writes: `grader.examine` reads its journal and
the arrays from disk, outside this process. It is the only part of the grader that uses Keras in a kernel.
All that reaches into Keras's private parts is in `keras2` and `keras3`, one adapter for each.
"""
