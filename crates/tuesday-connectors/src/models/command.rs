//! A model that is a program: one JSON object on its standard input, one on its standard output.
//!
//! The program sees `PATH`, `HOME`, `LANG`, `TUESDAY_RUN` and the one secret the definition declares (`auth.header` names the
//! variable), nothing else of our environment. It runs in its own process group, and the whole group is killed when the
//! call ends for any reason, so that nothing it started lives on.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::{ExitStatus, Stdio};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tuesday_domain::port::{FaultKind, ModelAnswer, ModelFault, ModelRequest, Secrets};

use super::envelope::{self, Bad};
use super::exchange::{DETAIL, MOST_BYTES};
use super::fault::{misconfigured, no_secret, unsent};
use super::usage;
use crate::net::{Credential, scrub};

/// Variables of our own environment that a program gets.
const KEPT: [&str; 3] = ["PATH", "HOME", "LANG"];
/// Of its complaints, this many last bytes are kept.
const TAIL: usize = 4096;

/// One call.
pub(super) async fn call(
    secrets: &dyn Secrets,
    request: &ModelRequest,
) -> Result<ModelAnswer, ModelFault> {
    let credential = match &request.spec.auth {
        Some(spec) => Some(Credential::resolve(secrets, spec).map_err(no_secret)?),
        None => None,
    };
    let input = envelope::task(request).map_err(|e| misconfigured(e.to_string()))?;
    let request_hash: [u8; 32] = Sha256::digest(&input).into();
    let mut child = start(request, credential.as_ref())?;
    let group = Group::of(&child);
    let (mut output, mut complaints) = (Vec::new(), Vec::new());
    let ended = tokio::time::timeout(
        request.timeout,
        talk(&mut child, &input, &mut output, &mut complaints),
    )
    .await;
    drop(group);

    let secret = credential.as_ref().map(Credential::secret);
    let fault = |kind, code, words: &str| ModelFault {
        usage: usage::scan(&output),
        bytes_received: output.len() as u64,
        request_hash: Some(request_hash),
        ..unsent(kind, code, scrub(words.as_bytes(), secret, DETAIL))
    };
    let said = || scrub(&complaints, secret, DETAIL);
    match ended {
        Err(_) => {
            return Err(fault(
                FaultKind::TimedOut,
                "timeout",
                &format!("the program did not end in time: {}", said()),
            ));
        }
        Ok(Err(Stopped::TooLarge)) => {
            return Err(fault(
                FaultKind::Permanent,
                "too_large",
                "the program's answer is too large",
            ));
        }
        Ok(Err(Stopped::Io(error))) => {
            return Err(fault(
                FaultKind::Transient(None),
                "command_failed",
                &error.to_string(),
            ));
        }
        Ok(Ok(status)) if !status.success() => {
            return Err(fault(
                FaultKind::Transient(None),
                "command_failed",
                &format!("{status}: {}", said()),
            ));
        }
        Ok(Ok(_)) => {}
    }
    let answer = ModelAnswer {
        text: String::new(),
        refusal: false,
        incomplete: None,
        model_reported: None,
        usage: None,
        confidence: None,
        extra: None,
        request_hash,
        bytes_received: output.len() as u64,
        provider_id: None,
    };
    envelope::open(&output, request, answer).map_err(|bad| match bad {
        Bad::Json(error) => fault(
            FaultKind::Transient(None),
            "not_json",
            &format!("the program's answer is not JSON: {error}"),
        ),
        Bad::Envelope(words) => fault(FaultKind::Permanent, "bad_envelope", &words),
    })
}

fn start(request: &ModelRequest, credential: Option<&Credential>) -> Result<Child, ModelFault> {
    let [program, arguments @ ..] = request.spec.command.as_slice() else {
        return Err(misconfigured("the model has no command"));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("TUESDAY_RUN", request.run.to_string());
    command.envs(
        KEPT.iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?))),
    );
    if let (Some(credential), Some(spec)) = (credential, &request.spec.auth) {
        command.env(&spec.header, OsStr::from_bytes(credential.value()));
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    // The error of a failed start is the system's own and holds neither arguments nor environment.
    command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => unsent(
            FaultKind::Permanent,
            "command_missing",
            format!("the program {program} cannot be started: {error}"),
        ),
        _ => unsent(
            FaultKind::Transient(None),
            "command_failed",
            format!("the program {program} did not start: {error}"),
        ),
    })
}

/// Why talking to the program stopped.
enum Stopped {
    TooLarge,
    Io(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes, reads and waits at the same time: in turn, a program that writes before it has read everything would hang.
async fn talk(
    child: &mut Child,
    input: &[u8],
    output: &mut Vec<u8>,
    complaints: &mut Vec<u8>,
) -> Result<ExitStatus, Stopped> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async move {
        if let Some(mut stdin) = stdin {
            // A program need not read its input to the end; what counts is how it ends.
            drop(stdin.write_all(input).await);
        }
        Ok(())
    };
    let (status, (), (), ()) = tokio::try_join!(
        async { Ok(child.wait().await?) },
        write,
        read(stdout, output),
        tail(stderr, complaints)
    )?;
    Ok(status)
}

async fn read(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), Stopped> {
    let Some(mut from) = from else { return Ok(()) };
    while from.read_buf(into).await? > 0 {
        if into.len() > MOST_BYTES {
            into.truncate(MOST_BYTES);
            return Err(Stopped::TooLarge);
        }
    }
    Ok(())
}

async fn tail(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), Stopped> {
    let Some(mut from) = from else { return Ok(()) };
    while from.read_buf(into).await? > 0 {
        if into.len() > 2 * TAIL {
            into.drain(..into.len() - TAIL);
        }
    }
    Ok(())
}

/// Kills the program's process group when dropped, also when the call itself is dropped.
struct Group(Option<rustix::process::Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(
            child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(rustix::process::Pid::from_raw),
        )
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Fails when nobody of the group is left, which is what is wanted.
            let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}
