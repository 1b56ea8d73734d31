SECRET_KEY = 'not a secret: this project only collects files'
INSTALLED_APPS = ['django.contrib.staticfiles']
STATICFILES_DIRS = ['site_static']
STATIC_URL = 'https://cdn.example.com/static/'
STATIC_ROOT = 'public/static'
STORAGES = {'staticfiles': {'BACKEND': 'whitenoise.storage.CompressedManifestStaticFilesStorage'}}
TEMPLATES = [{'BACKEND': 'django.template.backends.django.DjangoTemplates', 'DIRS': ['templates'], 'APP_DIRS': True}]
