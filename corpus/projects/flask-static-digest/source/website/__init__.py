from flask import Flask, render_template
from flask_static_digest import FlaskStaticDigest

digest = FlaskStaticDigest()


def create_app():
    app = Flask(__name__)
    digest.init_app(app)
    app.add_url_rule('/', 'index', lambda: render_template('index.html'))
    app.add_url_rule('/about/', 'about', lambda: render_template('about.html'))
    return app
