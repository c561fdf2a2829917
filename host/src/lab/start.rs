//! Starting a lab's agent.

use std::ffi::CString;
use std::fs::{DirBuilder, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::geteuid;

use super::interrupt::Deferred;
use super::spawn::{self, Agent};
use super::{Client, Error, Hold, LabName, Root, SubordinateIds, is_privileged, unable};
use crate::fault;
use crate::protocol::{Origin, State, Status, Undo, traces};
use crate::topology::{Errno, Limits};

/// What lab is to be started.
#[derive(Debug)]
pub struct Order {
    /// Its name.
    pub name: LabName,
    /// The scenario that it comes from.
    pub origin: Origin,
    /// How large it may become.
    pub limits: Limits,
    /// A lab that stands is to be removed just before the first step.
    pub replace: bool,
    /// Its host is to be the machine itself.
    pub on_host: bool,
}

/// A lab whose agent was started and may not be ready yet.
pub struct Started {
    /// The channel that keeps the agent alive until the lab is complete.
    pub client: Client,
    /// The way to let go of the lab, whatever the client is waiting for.
    pub hold: Hold,
    /// Its namespaces get names for `ip netns`.
    pub published: bool,
}

/// Starts the agent of a new lab. To be called while this process has one thread.
pub fn start(order: &Order, undo: Undo) -> Result<Started, Error> {
    let rootless = !is_privileged();
    unable::remember_settings();
    if order.on_host && rootless {
        return Err(Error::Unable {
            act: "build in the machine's own network (`--on-host`)".into(),
            errno: Errno::EPERM,
            hint: Some(unable::not_privileged()),
        });
    }
    let root = Root::own();
    root.create()?;
    fault::point("place for labs made");
    let published = !rootless && geteuid().is_root();
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
        .map_err(|error| Error::io("make a channel")(error.into()))?;
    let deferred = Deferred::begin()?;
    let (directory, replaces, lock) = make_directory(&root, order, undo)?;
    let mut arguments: Vec<CString> = vec![c"orchestrator".into(), c"agent".into()];
    let mut argument = |text: &[u8]| {
        // Neither paths nor checked names have a NUL; what the user typed as MODULE can't have one either.
        arguments.push(CString::new(text).unwrap_or_default());
    };
    argument(b"--directory");
    argument(directory.as_os_str().as_bytes());
    if let Some(replaces) = &replaces {
        argument(b"--replaces");
        argument(replaces.as_os_str().as_bytes());
    }
    let Limits { netns, links, addresses_and_routes } = order.limits;
    for text in [
        format!("--name={}", order.name),
        format!("--module={}", order.origin.module),
        format!("--source={}", order.origin.source),
        format!("--max-netns={netns}"),
        format!("--max-links={links}"),
        format!("--max-addresses-and-routes={addresses_and_routes}"),
    ] {
        argument(text.as_bytes());
    }
    if rootless {
        argument(b"--rootless");
        // The agent will see its own alone, which is none.
        if let Some(limit) = unable::sysctl("user.max_net_namespaces") {
            argument(format!("--outer-max-netns={limit}").as_bytes());
        }
    }
    if published {
        argument(b"--publish");
    }
    if order.on_host {
        argument(b"--on-host");
    }
    let started = || {
        let watched = traces::open_directory(&directory).map_err(Error::io("open the lab's directory"))?;
        let channel = ours.try_clone().map_err(Error::io("duplicate a channel"))?;
        spawn(Agent { arguments, held: &theirs, lock: &lock }, rootless)?;
        fault::point("agent made");
        Ok(Hold::new(channel, watched, &directory, order))
    };
    let hold = started().inspect_err(|_: &Error| {
        // Nobody else has it: the lock is still this process's.
        let _ = traces::remove_directory(&directory);
    })?;
    // From here on the lock is the agent's alone, and undoing waits for its end.
    drop(lock);
    deferred.undo_from_now_on(&ours, hold.lock());
    Ok(Started { client: Client::new(ours, order.name.to_string(), rootless).greet(), hold, published })
}

/// Makes the agent's process, with as many ids as this user can have.
fn spawn(mut agent: Agent<'_>, rootless: bool) -> Result<(), Error> {
    if !rootless {
        return spawn::with_root(&agent);
    }
    let mapped = match SubordinateIds::find() {
        Ok(ids) => spawn::with_ids(&agent, &ids)?,
        Err(lack) => Err(lack),
    };
    let Err(lack) = mapped else { return Ok(()) };
    // For `exec`, which says it where it matters.
    agent.arguments.push(CString::new(format!("--one-id={}", lack.advice())).unwrap_or_default());
    spawn::with_own_id(&agent)
}

/// Makes the lab's directory and locks it. Returns the directory to be replaced too, if one is.
fn make_directory(root: &Root, order: &Order, undo: Undo) -> Result<(PathBuf, Option<PathBuf>, File), Error> {
    let wanted = root.labs.join(order.name.as_str());
    let lock = root.lock()?;
    if wanted.exists() && !traces::is_dead(&wanted) {
        // The agent is asked without the lock: it may take its time, and others want the lock.
        drop(lock);
        let status = super::connect(&wanted, order.name.as_str()).and_then(|client| client.status());
        match status {
            Err(Error::NoSuchLab(_)) => return make_directory(root, order, undo),
            // A lab of another version understands nothing: it can't be asked to make room.
            Err(error @ Error::Hello { .. }) if order.replace => return Err(error),
            _ if order.replace => {}
            Ok(Status { state: State::Up, on_host, .. }) => {
                return Err(Error::Stands { name: order.name.to_string(), on_host });
            }
            Err(error @ (Error::Hello { .. } | Error::Silent(_))) => return Err(error),
            _ => return Err(Error::Busy(order.name.to_string())),
        }
        // Hidden until it takes the place of the old one; `list` passes it over.
        let directory = root.labs.join(format!(".{}.{}", order.name, std::process::id()));
        let _lock = root.lock()?;
        let made = make_and_lock(&directory)?;
        return Ok((directory, Some(wanted), made));
    }
    // One that died since the sweep.
    if wanted.exists() {
        let undone = undo(&wanted, order.name.as_str());
        traces::remove_names(&wanted);
        if !undone.left.is_empty() {
            return Err(Error::Remains { lab: order.name.to_string(), left: undone.left });
        }
        traces::remove_directory(&wanted).map_err(Error::io(format!("remove `{}`", wanted.display())))?;
    }
    let made = make_and_lock(&wanted)?;
    Ok((wanted, None, made))
}

fn make_and_lock(directory: &Path) -> Result<File, Error> {
    DirBuilder::new().mode(0o700).create(directory).map_err(Error::io(format!("make `{}`", directory.display())))?;
    fault::point("directory made");
    let locked = traces::open_directory(directory).and_then(|file| file.lock().map(|()| file));
    let locked = locked
        .inspect_err(|_| drop(std::fs::remove_dir(directory)))
        .map_err(Error::io(format!("lock `{}`", directory.display())))?;
    fault::point("directory locked");
    Ok(locked)
}
