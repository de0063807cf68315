"""A run's records as one HTML file that opens offline: `view` chooses and words, `render` lays out.

Import from the modules: `starshift.report.view` (view, table, wanted), `.render` (render), `.words`.
"""
