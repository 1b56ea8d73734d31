"""Renders the pages beside the collected files, and copies what lies in extra/, as people do who serve Django's pages statically."""
import os
import pathlib
import shutil

os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'
import django

django.setup()
from django.template.loader import render_to_string

for page in ('index.html', 'about/index.html'):
    target = pathlib.Path('public', page)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render_to_string(page))
shutil.copytree('extra', 'public', dirs_exist_ok=True)
