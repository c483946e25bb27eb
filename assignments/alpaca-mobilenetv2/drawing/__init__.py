"""What `draw_dataset.py` draws with: a canvas, backgrounds, alpacas, and things that are none."""
