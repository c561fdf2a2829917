//! What an enemy sends to the agent, as far as it goes without a kernel.

use arbitrary::{Result, Unstructured};

use super::site::Site;
use super::steps::step;
use crate::protocol::{Assembly, Request};

/// Less than the agent takes, so that the limit is met by inputs of a fuzzer's size.
const LIMIT: usize = 2048;

/// A session: the first byte says whether pieces of messages follow, as they come from the socket, or steps that could have been
/// read from them.
pub fn frames(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok(kind) = input.arbitrary::<u8>() else { return };
    let mut site = Site::new();
    // The end of the input is the end of the session.
    let _ = match kind {
        0 => pieces(&mut input, &mut site),
        _ => steps(&mut input, &mut site),
    };
}

/// Each piece with its length, in two bytes, before it.
fn pieces(input: &mut Unstructured<'_>, site: &mut Site) -> Result<()> {
    while !input.is_empty() {
        let mut assembly = Assembly::new(LIMIT);
        loop {
            let length = usize::from(input.arbitrary::<u16>()?).min(input.len());
            match assembly.take(input.bytes(length)?) {
                Ok(true) => break,
                Ok(false) => {}
                Err(_) => return Ok(()),
            }
        }
        let Ok(request) = assembly.read::<Request>() else { return Ok(()) };
        let said = postcard::to_stdvec(&request).expect("what was read can be said");
        let heard: Request = postcard::from_bytes(&said).expect("what was said can be read");
        assert_eq!(postcard::to_stdvec(&heard), Ok(said), "{request:?}");
        if !site.take(&request) {
            return Ok(());
        }
    }
    Ok(())
}

fn steps(input: &mut Unstructured<'_>, site: &mut Site) -> Result<()> {
    while !input.is_empty() {
        let step = step(input)?;
        // A session ends with the first step that is refused, and would seldom come far.
        if site.allows(&step) && !site.take(&Request::Steps(vec![step])) {
            return Ok(());
        }
    }
    Ok(())
}
