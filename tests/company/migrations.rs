//! A new version is killed while it brings the database up to date.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
};

use tests::server;

const COMPANY: &str = r#"
[company]
name = "Northway Logistics"
domain = "northway.example"
time_zone = "UTC"

[[rooms]]
number = "9000"
name = "Roll call"

[[employees]]
name = "Irina Belova"
extension = "101"
email = "irina@northway.example"
password = "northway-company-1"
level = "administrator"
"#;

/// How many kills; each comes when the journal of writes has grown to another size.
const KILLS: u64 = 40;

#[test]
fn a_migration_that_is_killed_at_any_point_leaves_a_database_that_starts() {
    let folder = server::fresh_folder();
    let file = folder.join("company.toml");
    fs::write(&file, COMPANY).unwrap();
    let apply = |data: &str| {
        let mut command = Command::new(server::binary());
        command
            .args(["company", "apply"])
            .arg(&file)
            .arg("--data")
            .arg(folder.join(data))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let journal = |data: &str| folder.join(data).join("rollcall.sqlite-wal");
    let size = |data: &str| fs::metadata(journal(data)).map_or(0, |file| file.len());

    // How far the journal grows when nobody disturbs it.
    let mut most = 0;
    let mut whole = apply("whole").spawn().unwrap();
    while running(&mut whole) {
        most = most.max(size("whole"));
        thread::yield_now();
    }
    assert!(whole.wait().unwrap().success());
    assert!(most > 0, "nothing was seen of the migrations");

    let mut cut_short = 0;
    for nth in 0..KILLS {
        let data = format!("killed-{nth}");
        let enough = most * nth / KILLS;
        let mut child = apply(&data).spawn().unwrap();
        while running(&mut child) && (size(&data) < enough || !journal(&data).exists()) {
            thread::yield_now();
        }
        cut_short += u64::from(running(&mut child));
        // Gone already is as good.
        _ = child.kill();
        _ = child.wait();

        let again = apply(&data).stderr(Stdio::piped()).output().unwrap();

        let said = String::from_utf8_lossy(&again.stderr);
        assert!(again.status.success(), "after {enough} bytes: {said}");
    }
    println!("{cut_short} of {KILLS} were cut short");
    assert!(cut_short * 2 > KILLS, "only {cut_short} were cut short");
    _ = fs::remove_dir_all(&folder);
}

fn running(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}
