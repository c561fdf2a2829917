//! What a scenario has drawn so far, and how much of it stands.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::Backend;
use super::errors::Failure;
use super::files::Files;
use super::limits::Meter;
use super::look::{Look, Seen};
use super::run::Stage;
use crate::plan::Standing;
use crate::topology::{Code, LinkId, NetnsId, NetnsName, Ping, PingAnswer, Refusal, Topology, observed};

/// A guest's handle of a netns.
#[derive(Debug)]
#[allow(unreachable_pub, reason = "the generated bindings export it again")]
pub struct NetnsHandle(pub(super) NetnsId);

/// A guest's handle of a link.
#[derive(Debug)]
#[allow(unreachable_pub, reason = "the generated bindings export it again")]
pub struct LinkHandle(pub(super) LinkId);

/// The state behind one running scenario.
pub(super) struct Drawing {
    /// The network that is wanted.
    pub(super) topology: Topology,
    /// The network that stands.
    standing: Standing,
    backend: Arc<Mutex<dyn Backend>>,
    /// The apply that failed. The lab is undone then, so every later call fails alike.
    pub(super) failed: Option<Refusal>,
    pub(super) lab_name: String,
    pub(super) table: ResourceTable,
    pub(super) meter: Meter,
    wasi: WasiCtx,
    pub(super) stage: Stage,
    /// What was looked at since the last change, while a lab is edited.
    pub(super) looks: Vec<(Look, Seen)>,
    /// Pings that the kernel and the model answered differently.
    pub(super) surprises: usize,
    pub(super) files: Files,
}

impl Drawing {
    pub(super) fn new(
        topology: Topology,
        backend: Arc<Mutex<dyn Backend>>,
        lab_name: String,
        meter: Meter,
        table: ResourceTable,
        wasi: WasiCtx,
    ) -> Self {
        let standing = Standing::new(&topology);
        Self {
            topology,
            standing,
            backend,
            failed: None,
            lab_name,
            table,
            meter,
            wasi,
            stage: Stage::Lab,
            looks: Vec::new(),
            surprises: 0,
            files: Files::default(),
        }
    }

    /// Returns the topology for a call that changes it, unless an apply has failed.
    pub(super) fn draw(&mut self) -> Result<&mut Topology, Failure> {
        match &self.failed {
            Some(failed) => Err(failed.for_guest().into()),
            None => Ok(&mut self.topology),
        }
    }

    /// Makes a handle of a netns.
    pub(super) fn hold_netns(&mut self, id: NetnsId) -> wasmtime::Result<Resource<NetnsHandle>> {
        Ok(self.table.push(NetnsHandle(id))?)
    }

    /// Makes a handle of a link.
    pub(super) fn hold_link(&mut self, id: LinkId) -> wasmtime::Result<Resource<LinkHandle>> {
        Ok(self.table.push(LinkHandle(id))?)
    }

    pub(super) fn netns(&self, handle: &Resource<NetnsHandle>) -> wasmtime::Result<NetnsId> {
        Ok(self.table.get(handle)?.0)
    }

    pub(super) fn link(&self, handle: &Resource<LinkHandle>) -> wasmtime::Result<LinkId> {
        Ok(self.table.get(handle)?.0)
    }

    /// Makes the network that stands the one that is wanted. A lab that is edited becomes that when the scenario has succeeded.
    pub(super) async fn apply(&mut self) -> Result<(), Failure> {
        self.draw()?;
        if self.stage == Stage::Edit {
            self.forget_looks();
            return Ok(());
        }
        let steps = self.standing.advance(&mut self.topology).map_err(|error| Refusal {
            code: Code::Kernel,
            errno: None,
            act: "plan the lab".into(),
            why: error.to_string(),
        });
        let outcome = match steps {
            Ok(steps) if steps.is_empty() => Ok(()),
            Ok(steps) => self.ask(move |backend| backend.apply(steps)).await?,
            Err(refusal) => Err(refusal),
        };
        outcome.map_err(|refusal| {
            let told = refusal.for_guest();
            self.failed = Some(refusal);
            told.into()
        })
    }

    /// Asks the backend on a thread where waiting holds nobody up.
    pub(super) async fn ask<T: Send + 'static>(
        &mut self,
        question: impl FnOnce(&mut dyn Backend) -> T + Send + 'static,
    ) -> wasmtime::Result<T> {
        let backend = self.backend.clone();
        let answer =
            tokio::task::spawn_blocking(move || question(&mut *backend.lock().unwrap_or_else(PoisonError::into_inner)));
        Ok(answer.await?)
    }

    /// Forgets what was looked at before a change.
    fn forget_looks(&mut self) {
        if !self.topology.take_changes().is_empty() {
            self.looks.clear();
        }
    }

    /// Applies what is drawn, then looks.
    async fn look(&mut self, look: Look) -> Result<Seen, Failure> {
        self.apply().await?;
        if self.stage == Stage::Edit {
            let seen = look.ask_model(&self.topology)?;
            self.looks.push((look, seen.clone()));
            return Ok(seen);
        }
        Ok(self.ask(move |backend| look.ask(backend)).await??)
    }

    /// Looks whether pings are answered.
    pub(super) async fn look_for_replies(&mut self, pings: Vec<Ping>) -> Result<Vec<PingAnswer>, Failure> {
        match self.look(Look::Ping(pings)).await? {
            Seen::Pinged(answers) => Ok(answers),
            _ => unreachable!("a ping is answered as one"),
        }
    }

    /// Looks what a netns has.
    pub(super) async fn look_at(&mut self, netns: NetnsName) -> Result<observed::Netns, Failure> {
        match self.look(Look::Netns(netns)).await? {
            Seen::Netns(netns) => Ok(*netns),
            _ => unreachable!("a netns is shown as one"),
        }
    }

    /// Waits until links carry.
    pub(super) async fn wait_for_links(&mut self, timeout: Duration) -> Result<Vec<String>, Failure> {
        match self.look(Look::Settle(timeout)).await? {
            Seen::Settled(waiting) => Ok(waiting),
            _ => unreachable!("waiting ends as waiting"),
        }
    }
}

impl WasiView for Drawing {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
