"""Many submissions: where they come from, how they are run side by side, where results are kept and go to."""
