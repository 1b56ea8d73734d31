class @CLASS@ < Formula
  desc "Put a built site on S3 behind CloudFront"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license any_of: ["Apache-2.0", "MIT"]

  on_macos do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/@NAME@-@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@SHA256_AARCH64_APPLE_DARWIN@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/@NAME@-@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@SHA256_X86_64_APPLE_DARWIN@"
    end
  end

  on_linux do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/@NAME@-@VERSION@-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "@SHA256_AARCH64_UNKNOWN_LINUX_GNU@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/@NAME@-@VERSION@-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "@SHA256_X86_64_UNKNOWN_LINUX_GNU@"
    end
  end

  def install
    bin.install "@NAME@"
    bin.install_symlink "@NAME@" => "@SECOND@"
    man1.install Dir["man/*.1"]
    ["@NAME@", "@SECOND@"].each do |name|
      bash_completion.install "completions/#{name}.bash" => name
      zsh_completion.install "completions/_#{name}"
      fish_completion.install "completions/#{name}.fish"
    end
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/@NAME@ --version")
    assert_match version.to_s, shell_output("#{bin}/@SECOND@ --version")
  end
end
