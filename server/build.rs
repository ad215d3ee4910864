//! The binary carries the board and the prompts: when either is made anew, so is the binary.

fn main() {
    for made in ["../frontend/dist", "../sounds/rendered"] {
        println!("cargo::rerun-if-changed={made}");
    }
}
