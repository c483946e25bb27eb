"""From results to pages: `build_report` makes the one `Report`, `render` lays it out in every format."""
