# Compiles the assets as Rails does (`assets:precompile`), and writes two pages with the names of the manifest.
require 'fileutils'
require 'json'
require 'sprockets'

environment = Sprockets::Environment.new(Dir.pwd) { |it| %w[stylesheets javascripts images].each { |kind| it.append_path("app/assets/#{kind}") } }
environment.context_class.class_eval do
  def asset_path(path, _options = {})
    asset = environment.find_asset(path)
    "/assets/#{asset ? asset.digest_path : path}"
  end
end
manifest = Sprockets::Manifest.new(environment, 'public/assets')
manifest.compile('application.css', 'application.js', 'Hero.PNG', 'card-small.png', 'card-large.png', 'scribble.woff2')
url = ->(name) { "/assets/#{manifest.assets.fetch(name)}" }
page = lambda do |path, body|
  FileUtils.mkdir_p(File.dirname("public/#{path}"))
  File.write("public/#{path}", <<~HTML)
    <!doctype html>
    <html lang="en">
      <head><meta charset="utf-8"><link rel="stylesheet" href="#{url['application.css']}"><script src="#{url['application.js']}"></script></head>
      <body>#{body}<script src="/assets/vendor-a1b2c3d4.js"></script></body>
    </html>
  HTML
end
page['index.html', %(<h1>Home, second edition</h1><img src="#{url['Hero.PNG']}" alt=""><img src="/logo-deadbeef.png" alt="">)]
page['about/index.html', %(<h1>About</h1><img src="#{url['card-small.png']}" srcset="#{url['card-small.png']} 1x, #{url['card-large.png']} 2x" alt="">)]
FileUtils.cp_r('extra/.', 'public')
