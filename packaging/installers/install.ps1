# Installs @NAME@ @VERSION@ from its archive, whose SHA-256 stands below. Nothing outside the chosen folder changes.
# Usage: install.ps1 [-Folder FOLDER]
#   Folder  gets @NAME@.exe and @SECOND@.exe [default: %LOCALAPPDATA%\@NAME@]
# SITEPUBLISH_FROM is the address that has the archives [default: the release's].
param([string]$Folder = (Join-Path $env:LOCALAPPDATA '@NAME@'))

$ErrorActionPreference = 'Stop'
# Drawing progress makes downloads many times slower in Windows PowerShell.
$ProgressPreference = 'SilentlyContinue'
$version = '@VERSION@'
$from = if ($env:SITEPUBLISH_FROM) { $env:SITEPUBLISH_FROM } else { "@REPOSITORY@/releases/download/v$version" }
$checksums = @'
@CHECKSUMS@
'@

# The program for x64 runs on arm64 too, where Windows translates it.
$name = "@NAME@-$version-x86_64-pc-windows-msvc"
$archive = "$name.zip"
$expected = $checksums -split "`r?`n" | Where-Object { $_.EndsWith("  $archive") } | ForEach-Object { $_.Substring(0, 64) }
if (-not $expected) { throw "version $version has no $archive" }

$work = Join-Path ([IO.Path]::GetTempPath()) ([IO.Path]::GetRandomFileName())
New-Item -ItemType Directory -Path $work | Out-Null
try {
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    Invoke-WebRequest -UseBasicParsing -Uri "$from/$archive" -OutFile (Join-Path $work $archive)
    $found = (Get-FileHash -Algorithm SHA256 (Join-Path $work $archive)).Hash.ToLowerInvariant()
    if ($found -ne $expected) {
        throw "$from/$archive is not what was released (its SHA-256 is $found, not $expected); nothing was installed"
    }
    Expand-Archive -Path (Join-Path $work $archive) -DestinationPath $work
    New-Item -ItemType Directory -Force -Path $Folder | Out-Null
    foreach ($file in '@NAME@.exe', '@SECOND@.exe') {
        Copy-Item -Force -Path (Join-Path (Join-Path $work $name) $file) -Destination $Folder
    }
} finally {
    Remove-Item -Recurse -Force $work
}
Write-Output "@NAME@ $version is in $Folder"
if (($env:PATH -split ';') -notcontains $Folder) {
    Write-Output "note: add it to PATH: `$env:PATH = `"$Folder;`$env:PATH`""
}
