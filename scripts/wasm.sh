# Sourced: makes sure that Rust compiles for the browser here, and says to the
# build which compiler does, where it is not the default one.
wasm_ready() {
  local toolchain
  toolchain=$(scripts/install-wasm-target.sh | tail -n 1)
  if [ -n "$toolchain" ]; then
    export ROLLCALL_WASM_RUSTC=${PREFIX:-$HOME/.local/share/$toolchain}/usr/bin/rustc
  fi
}
