//! What wasmtime generates from `wit/`: what scenarios import, and what one may export.

#![allow(missing_docs, unreachable_pub, reason = "generated; wit/ documents it")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "imports",
    imports: { default: async | trappable },
    with: {
        "orchestrator:net/netns.netns": super::drawing::NetnsHandle,
        "orchestrator:net/link.link": super::drawing::LinkHandle,
    },
    trappable_error_type: {
        "orchestrator:net/errors.error" => super::errors::Failure,
    },
});

pub mod describes {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "describes",
        exports: { default: async },
    });
}
