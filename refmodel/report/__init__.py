"""Reports: results and the specification as text, pages and data."""
