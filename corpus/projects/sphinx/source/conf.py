project = 'Sphinx'
html_theme = 'furo'
html_static_path = ['static']
html_extra_path = ['extra']
html_css_files = ['custom.css']
exclude_patterns = ['.venv', 'extra', 'build']
