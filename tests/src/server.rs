//! A server of one's own: a process with its own data folder, on free ports.
//!
//! `ROLLCALL_BIN` names the binary; without it the one beside the test's own is taken.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{api, wait};

pub struct Server {
    child: Option<Child>,
    binary: PathBuf,
    folder: PathBuf,
    pub http: SocketAddr,
    pub sip: SocketAddr,
    first_rtp_port: u16,
    rtp_ports: u16,
    /// What it finds in its environment, beyond ours.
    pub environment: Vec<(String, String)>,
}

/// RTP ports each server may use: two a member.
const RTP_PORTS: u16 = 1_000;
/// Below the ports that the system hands out by itself.
const FIRST: u16 = 10_000;
const LAST: u16 = 32_000;

impl Server {
    /// Loads the company (TOML) into an empty database and serves it.
    pub fn start(company: &str) -> Self {
        Self::start_with(company, RTP_PORTS)
    }

    /// The same, with so many RTP ports.
    pub fn start_with(company: &str, rtp_ports: u16) -> Self {
        Self::start_in(company, rtp_ports, &[])
    }

    /// The same, with these variables in its environment.
    pub fn start_under(company: &str, environment: &[(&str, &str)]) -> Self {
        Self::start_in(company, RTP_PORTS, environment)
    }

    fn start_in(company: &str, rtp_ports: u16, environment: &[(&str, &str)]) -> Self {
        let folder = fresh_folder();
        fs::write(folder.join("company.toml"), company).expect("the folder is ours");
        let mut server = Self {
            child: None,
            binary: binary(),
            folder,
            http: free_address(),
            sip: free_address(),
            first_rtp_port: free_rtp_range(rtp_ports),
            rtp_ports,
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let applied = server
            .command(["company", "apply"])
            .arg(server.folder.join("company.toml"))
            .output()
            .expect("the binary runs");
        assert!(
            applied.status.success(),
            "The company was not taken: {}{}",
            String::from_utf8_lossy(&applied.stdout),
            String::from_utf8_lossy(&applied.stderr)
        );
        server.serve();
        server
    }

    /// A second server on this one's database, for the same telephones: it stands by.
    pub fn second(&self) -> Self {
        let folder = fresh_folder();
        let key = "data/secret.key";
        fs::create_dir(folder.join("data")).expect("the folder is ours");
        fs::copy(self.folder.join(key), folder.join(key)).expect("the first one has a key");
        let mut second = Self {
            child: None,
            binary: self.binary.clone(),
            folder,
            http: free_address(),
            environment: self.environment.clone(),
            ..*self
        };
        second.spawn();
        second
    }

    /// Sets a variable for the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Starts the process and waits until it is well.
    pub fn serve(&mut self) {
        self.spawn();
        self.wait_until_well();
    }

    /// Starts the process.
    pub fn spawn(&mut self) {
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.log_path())
            .expect("the folder is ours");
        let errors = log.try_clone().expect("a file can be cloned");
        let last = self.first_rtp_port + self.rtp_ports - 1;
        let child = self
            .command(["serve"])
            .args(["--http", &self.http.to_string()])
            .args(["--sip", &self.sip.to_string()])
            .args(["--rtp-ports", &format!("{}-{last}", self.first_rtp_port)])
            .args(["--webrtc", "127.0.0.1:0"])
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(errors))
            .spawn()
            .expect("the binary runs");
        self.child = Some(child);
    }

    /// Waits until it serves.
    pub fn wait_until_well(&mut self) {
        let base = self.base();
        wait::until("the server to be well", wait::LONG, || {
            if let Some(status) = self.child.as_mut()?.try_wait().ok()? {
                panic!("The server ended ({status}):\n{}", self.log());
            }
            api::healthy(&base).then_some(())
        });
    }

    fn command<const N: usize>(&self, words: [&str; N]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(words)
            .arg("--data")
            .arg(self.folder.join("data"))
            .env("RUST_BACKTRACE", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.http)
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// A folder for whatever belongs to this server's life.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn login(&self, email: &str, password: &str) -> crate::Api {
        crate::Api::login(&self.base(), email, password).expect("the server answers")
    }

    /// Ends the process as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Gone already is what was wanted.
            _ = child.kill();
            _ = child.wait();
        }
    }

    /// Asks the process to end, as a service manager does.
    pub fn ask_to_end(&self) {
        let asked = Command::new("kill").arg(self.pid().to_string()).status();
        assert!(asked.is_ok_and(|status| status.success()), "it runs");
    }

    /// Waits until the process has ended, and says whether it was content.
    pub fn ended(&mut self) -> bool {
        let Some(mut child) = self.child.take() else {
            return false;
        };
        wait::until("the server to end", wait::LONG, || {
            child.try_wait().ok().flatten()
        })
        .success()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("server.txt")
    }

    /// What the server has written so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("The server's folder is kept: {}", self.folder.display());
            let log = self.log();
            let tail = log.lines().rev().take(60).collect::<Vec<_>>();
            for line in tail.into_iter().rev() {
                eprintln!("  {line}");
            }
        } else {
            _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The server's binary.
pub fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("ROLLCALL_BIN") {
        return named.into();
    }
    // target/debug/deps/interop-0123 or target/debug/load
    let own = std::env::current_exe().expect("a process has a binary");
    let beside = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("rollcall"))
        .find(|path| path.is_file());
    beside.expect("no 'rollcall' beside this binary: cargo build -p rollcall, or set ROLLCALL_BIN")
}

/// An address on loopback that nobody uses, for UDP and TCP alike.
pub fn free_address() -> SocketAddr {
    wait::until("a free port", wait::LONG, || {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        let address = udp.local_addr().ok()?;
        let _tcp = TcpListener::bind(address).ok()?;
        Some(address)
    })
}

/// A range of RTP ports, different for every server of this process and, as far as
/// can be, of others.
fn free_rtp_range(ports: u16) -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let ports = ports.min(LAST - FIRST);
    let ranges = u32::from((LAST - FIRST) / ports);
    wait::until("a free range of RTP ports", wait::LONG, || {
        let nth = (std::process::id() + NEXT.fetch_add(1, Ordering::Relaxed)) % ranges;
        let first = FIRST + u16::try_from(nth).ok()? * ports;
        UdpSocket::bind((Ipv4Addr::LOCALHOST, first)).ok()?;
        Some(first)
    })
}

/// A new folder under the system's temporary one.
pub fn fresh_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rollcall-test-{}-{nth}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        match fs::create_dir(&folder) {
            Ok(()) => return folder,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => panic!("{}: {error}", folder.display()),
        }
    }
}
