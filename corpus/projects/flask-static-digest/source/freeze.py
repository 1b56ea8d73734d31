"""Writes every page to a file, beside the digested static files, and copies what lies in extra/."""
import pathlib
import shutil

from website import create_app

app = create_app()
for url, target in (('/', 'index.html'), ('/about/', 'about/index.html')):
    path = pathlib.Path('public', target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(app.test_client().get(url).data)
shutil.copytree('website/static', 'public/static', dirs_exist_ok=True)
shutil.copytree('extra', 'public', dirs_exist_ok=True)
