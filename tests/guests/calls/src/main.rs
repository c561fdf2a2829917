//! A scenario that plays its arguments: each is one call, answered by one line. README.md lists the calls.

mod abuse;
mod address;
mod answer;
mod bridge;
mod call;
mod fields;
mod held;
mod lab;
mod link;
mod netns;
mod probe;
mod repeat;
mod route;
mod sys;
mod veth;

use call::Call;

fn main() -> orchestrator_net::Result {
    for argument in std::env::args().skip(1) {
        let call = Call::parse(&argument);
        let answer = call.play();
        println!("{}: {}", call.text, answer::line(&answer));
        if let Err(refusal) = answer
            && refusal.ends_scenario
        {
            return Err(refusal.message.into());
        }
    }
    Ok(())
}
