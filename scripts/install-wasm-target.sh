#!/usr/bin/env bash
# Makes `cargo build --target wasm32-unknown-unknown` work.
#
#  1. `rustup target add wasm32-unknown-unknown`: all an ordinary machine needs.
#  2. Where rustup cannot download: Debian's rustc-web (a compiler, its host std and the matching
#     std source, from the distribution's own archive) is unpacked under $PREFIX, its std is
#     compiled once for wasm32, and the result is linked as the rustup toolchain "$NAME".
#     Build with it by   RUSTUP_TOOLCHAIN=$NAME trunk build   (or cargo +$NAME build ...).
#
# Idempotent. The last line on stdout is the toolchain to use (empty: the default one).
# Environment: TIMEOUT (60) seconds for step 1; FORCE_FALLBACK=1 skips step 1; PREFIX; NAME.
set -euo pipefail
TARGET=wasm32-unknown-unknown
TIMEOUT=${TIMEOUT:-60}
NAME=${NAME:-debian-wasm}
PREFIX=${PREFIX:-$HOME/.local/share/$NAME}
say() { echo "install-wasm-target: $*" >&2; }
works() { # works <rustc...>: can this compiler link a wasm module with std?
  local d; d=$(mktemp -d); local ok=1
  printf '#[unsafe(no_mangle)] pub extern "C" fn f(a: u32) -> usize { format!("{a}").len() }\n' >"$d/t.rs"
  "$@" --edition 2024 --crate-type cdylib -O --target $TARGET -o "$d/t.wasm" "$d/t.rs" >/dev/null 2>&1 && [ -s "$d/t.wasm" ] || ok=0
  rm -rf "$d"; [ $ok = 1 ]
}

if [ -z "${FORCE_FALLBACK:-}" ]; then
  if works rustc; then say "the default toolchain already builds for $TARGET"; echo ""; exit 0; fi
  if command -v rustup >/dev/null && timeout "$TIMEOUT" rustup target add $TARGET >&2 && works rustc; then
    say "installed by rustup"; echo ""; exit 0
  fi
  say "rustup could not add $TARGET; building it from Debian's rustc-web"
fi

if works "$PREFIX/usr/bin/rustc"; then
  say "$PREFIX is already complete"
else
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || { say "no apt here: no fallback"; exit 1; }
  rm -rf "$PREFIX"; mkdir -p "$PREFIX/debs"
  ( cd "$PREFIX/debs"
    std=$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p' | head -n1)
    llvm=$(apt-cache depends "$std" | sed -n 's/.*Depends: \(libllvm[0-9]*\)$/\1/p' | head -n1)
    say "downloading rustc-web libstd-rust-web-dev $std $llvm lld-${llvm#libllvm} rust-web-src"
    apt-get download rustc-web libstd-rust-web-dev "$std" "$llvm" "lld-${llvm#libllvm}" rust-web-src >&2 )
  for d in "$PREFIX"/debs/*.deb; do
    case $d in
      # of the sources only library/ is needed (70 of 440 MB)
      */rust-web-src_*) dpkg --fsys-tarfile "$d" | tar -x -C "$PREFIX" --wildcards './usr/src/rustc-*/library' './usr/lib/rustlib/src' ;;
      *) dpkg -x "$d" "$PREFIX" ;;
    esac
  done
  rm -rf "$PREFIX/debs"
  U=$PREFIX/usr; HOST=$(ls "$U/lib/rustlib" | grep -E '^[a-z0-9_]+-unknown-linux-gnu' | head -n1)
  # Debian's rustc expects its driver in the system library path: a wrapper names the place instead.
  for b in rustc rustdoc; do
    [ -e "$U/bin/$b" ] || continue
    mv "$U/bin/$b" "$U/bin/$b.bin"
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "%s" "$@"\n' "$U/lib/${HOST/-unknown/}" "$U/bin/$b.bin" >"$U/bin/$b"
    chmod +x "$U/bin/$b"
  done
  # The wasm linker: lld from the same LLVM, under the name rustc looks for.
  mkdir -p "$U/lib/rustlib/$HOST/bin"
  lld=$(ls "$U"/lib/llvm-*/bin/lld | head -n1)
  printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$U/lib/${HOST/-unknown/}" "$lld" >"$U/lib/rustlib/$HOST/bin/rust-lld"
  chmod +x "$U/lib/rustlib/$HOST/bin/rust-lld"
  # std for wasm32, built once: an empty crate with -Zbuild-std, whose rlibs become the target's libdir.
  B=$PREFIX/build; mkdir -p "$B/src"; : >"$B/src/lib.rs"
  printf '[package]\nname="empty"\nversion="0.0.0"\nedition="2021"\n[workspace]\n[profile.release]\nopt-level=3\ncodegen-units=1\ndebug=0\n' >"$B/Cargo.toml"
  src=$(readlink -f "$U/lib/rustlib/src/rust"); hash=$("$U/bin/rustc" -vV | sed -n 's/^commit-hash: //p')
  say "compiling std for $TARGET with $("$U/bin/rustc" -V)"
  ( cd "$B"
    RUSTC="$U/bin/rustc" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$B/target" \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-Cembed-bitcode=yes --remap-path-prefix=$src=/rustc/$hash" \
      cargo build -Zbuild-std=std,panic_abort,proc_macro,test --target $TARGET --release >&2 )
  L=$U/lib/rustlib/$TARGET/lib; mkdir -p "$L"
  for f in "$B/target/$TARGET/release/deps/"*.rlib; do
    case $f in */libempty-*) ;; *) cp "$f" "$L/" ;; esac
  done
  rm -rf "$B" "$PREFIX/usr/src" "$PREFIX/usr/share"
  works "$U/bin/rustc" || { say "the built toolchain does not work"; exit 1; }
fi
if command -v rustup >/dev/null; then rustup toolchain link "$NAME" "$PREFIX/usr" >&2; fi
say "done: $(du -sh "$PREFIX" | cut -f1) in $PREFIX"
echo "$NAME"
