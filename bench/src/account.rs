//! Who runs what is measured.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::stage;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An account with an empty home.
pub(crate) struct Account {
    /// What it is called in tables.
    pub(crate) name: &'static str,
    /// Its user and group, if it isn't root.
    uid: Option<u32>,
    home: PathBuf,
}

impl Account {
    /// Makes the home of an account: its files, its cache, its runtime directory.
    pub(crate) fn new(name: &'static str, uid: Option<u32>) -> Result<Self> {
        let home = stage::directory().join(name);
        fs::create_dir(&home).with_context(|| format!("could not make `{}`", home.display()))?;
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700))?;
        chown(&home, uid, uid)?;
        Ok(Self { name, uid, home })
    }

    /// Whether it is root.
    pub(crate) fn is_root(&self) -> bool {
        self.uid.is_none()
    }

    /// A directory that it may write to.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// A command of this account, with nothing of our environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", PATH).env("HOME", &self.home).current_dir("/");
        // Root's labs have a place of their own. Another user's must not be in the machine's /tmp.
        if let Some(uid) = self.uid {
            command.env("XDG_RUNTIME_DIR", &self.home).uid(uid).gid(uid);
        }
        command
    }
}
