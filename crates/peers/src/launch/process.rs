//! A client's process: how it is started, known to be ready, and ended.

use std::{
    error::Error,
    ffi::OsString,
    fmt, fs, io,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use super::place::{Place, tried};

/// How long a client may take to answer after its start. EthereumJS takes several seconds on a busy machine.
const READY: Duration = Duration::from_secs(60);
/// How long a client may take to end after SIGINT.
const STOP: Duration = Duration::from_secs(30);
/// How often it is looked at meanwhile.
const POLL: Duration = Duration::from_millis(20);

/// Why a client does not run.
#[derive(Debug)]
#[non_exhaustive]
pub enum LaunchError {
    /// A file or process could not be made.
    Io {
        /// What was tried.
        what: String,
        /// The system's word.
        source: io::Error,
    },
    /// It ended instead of answering, or by a signal instead of in order.
    Ended {
        /// Its program.
        program: PathBuf,
        /// How.
        status: ExitStatus,
        /// The last it printed.
        output: String,
    },
    /// It neither answers nor ends.
    Late {
        /// Its program.
        program: PathBuf,
        /// What was waited for.
        what: &'static str,
        /// The last it printed.
        output: String,
    },
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Ended { program, status, output } => {
                write!(f, "{} ended ({status}) as it should not. It printed:\n{output}", program.display())
            }
            Self::Late { program, what, output } => {
                write!(f, "{} does not {what} in time. It printed:\n{output}", program.display())
            }
        }
    }
}

impl Error for LaunchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// How a client is run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) program: PathBuf,
    /// Arguments that make the genesis state, where that is a step of its own.
    pub(super) init: Option<Vec<OsString>>,
    pub(super) run: Vec<OsString>,
    /// What holds the chain: there after the init, gone after a wipe.
    pub(super) data: PathBuf,
    pub(super) place: Place,
}

/// An execution client of a test: a process, or one that was ended and can be started again.
///
/// Its ports stay the same. Dropping it kills the process; the folder is the caller's.
#[derive(Debug)]
pub struct Client {
    plan: Plan,
    child: Option<Child>,
}

impl Client {
    /// Starts the plan's process, and waits until it answers.
    pub(super) fn launch(plan: Plan) -> Result<Self, LaunchError> {
        let mut client = Self { plan, child: None };
        client.start()?;
        Ok(client)
    }

    /// Where the Engine API is.
    #[must_use]
    pub fn engine_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.plan.place.engine_port)
    }

    /// Where JSON-RPC without authentication is.
    #[must_use]
    pub fn public_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.plan.place.public_port)
    }

    /// The file of the Engine API's secret.
    #[must_use]
    pub fn jwt(&self) -> PathBuf {
        self.plan.place.jwt()
    }

    /// Everything it printed, since its first start.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.plan.place.output()
    }

    /// The process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts it, if it does not run, and waits until both its ports answer.
    ///
    /// # Errors
    /// [`LaunchError`] with what it printed, where it does not come up.
    pub fn start(&mut self) -> Result<(), LaunchError> {
        if self.child.is_some() {
            return Ok(());
        }
        if let Some(init) = self.plan.init.as_ref().filter(|_| !self.plan.data.exists()) {
            let status = self.command(init)?.status();
            let status = tried(|| format!("cannot start {}", self.plan.program.display()), status)?;
            if !status.success() {
                return Err(self.ended(status));
            }
        }
        self.plan.place.release_ports();
        let child = self.command(&self.plan.run)?.spawn();
        self.child = Some(tried(|| format!("cannot start {}", self.plan.program.display()), child)?);
        for _ in polls(READY) {
            if let Some(status) = self.exited()? {
                self.child = None;
                return Err(self.ended(status));
            }
            if answers(self.plan.place.engine_port) && answers(self.plan.place.public_port) {
                return Ok(());
            }
        }
        self.kill()?;
        Err(self.late("answer"))
    }

    /// Ends it by SIGKILL: it can do nothing more.
    ///
    /// # Errors
    /// [`LaunchError::Io`] where the system refuses.
    pub fn kill(&mut self) -> Result<(), LaunchError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        tried(|| "cannot kill the client".to_owned(), child.kill())?;
        tried(|| "cannot wait for the client".to_owned(), child.wait())?;
        Ok(())
    }

    /// Ends it by SIGINT, and waits until it has ended in its own order.
    ///
    /// # Errors
    /// [`LaunchError`] where it does not end in time (it is killed then), or not in order: a Geth that has
    /// answered for less than a second does not listen to the signal yet, and is killed by it.
    pub fn interrupt(&mut self) -> Result<(), LaunchError> {
        let Some(pid) = self.pid() else { return Ok(()) };
        let sent = Command::new("kill").args(["-INT", &pid.to_string()]).status();
        tried(|| "cannot run kill".to_owned(), sent)?;
        for _ in polls(STOP) {
            if let Some(status) = self.exited()? {
                self.child = None;
                // None is a death by a signal.
                return if status.code().is_some() { Ok(()) } else { Err(self.ended(status)) };
            }
        }
        self.kill()?;
        Err(self.late("end"))
    }

    /// Kills it if it runs, and throws its chain away: the next start is at genesis.
    ///
    /// # Errors
    /// [`LaunchError::Io`] where the files cannot be removed.
    pub fn wipe(&mut self) -> Result<(), LaunchError> {
        self.kill()?;
        let data = &self.plan.data;
        match fs::remove_dir_all(data) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tried(|| format!("cannot remove {}", data.display()), Err(error))
            }
            _ => Ok(()),
        }
    }

    fn command(&self, arguments: &[OsString]) -> Result<Command, LaunchError> {
        let path = self.output();
        let file = tried(
            || format!("cannot open {}", path.display()),
            fs::OpenOptions::new().create(true).append(true).open(&path),
        )?;
        let second = tried(|| format!("cannot use {} twice", path.display()), file.try_clone())?;
        let mut command = Command::new(&self.plan.program);
        command.args(arguments).stdin(Stdio::null()).stdout(file).stderr(second);
        Ok(command)
    }

    fn exited(&mut self) -> Result<Option<ExitStatus>, LaunchError> {
        let Some(child) = self.child.as_mut() else { return Ok(None) };
        tried(|| "cannot ask for the client's end".to_owned(), child.try_wait())
    }

    fn ended(&self, status: ExitStatus) -> LaunchError {
        LaunchError::Ended { program: self.plan.program.clone(), status, output: self.tail() }
    }

    fn late(&self, what: &'static str) -> LaunchError {
        LaunchError::Late { program: self.plan.program.clone(), what, output: self.tail() }
    }

    fn tail(&self) -> String {
        let text = fs::read(self.output()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.kill();
    }
}

/// Whether an HTTP server answers, whatever it says.
fn answers(port: u16) -> bool {
    let ask = || -> io::Result<usize> {
        let mut stream = TcpStream::connect_timeout(
            &SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            Duration::from_secs(1),
        )?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        stream.read(&mut [0; 16])
    };
    ask().is_ok_and(|read| read > 0)
}

/// Ticks until the time is over, each after a pause.
#[allow(
    clippy::disallowed_methods,
    reason = "a process says by no event that its ports answer; no runtime here"
)]
fn polls(time: Duration) -> impl Iterator<Item = u128> {
    let count = time.as_millis() / POLL.as_millis();
    (0..count).inspect(|_| std::thread::sleep(POLL))
}
