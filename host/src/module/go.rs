//! What Go's runtime takes for granted: that nobody but itself grows its memory, so that what it gets lies where what it has ends
//! (`sbrk`, runtime/mem_wasm.go).
//!
//! The adapter of WASI preview 1 grows it too, at its first call, for what it has to remember, and Go's heap would come to lie on top
//! of that. So a module of Go's has the room for its heap from the beginning, which costs nothing until it is used. Its own growing
//! only counts, it is told of no more than that, and what the adapter asks for lies beyond.

use wasm_encoder::reencode::{Error as ReencodeError, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, Function, FunctionSection, GlobalSection, GlobalType, Instruction, MemoryType,
    Module, TypeSection, ValType,
};
use wasmparser::{
    BinaryReaderError, CodeSectionReader, FunctionSectionReader, GlobalSectionReader, KnownCustom, Operator, Parser,
    Payload, TypeRef, TypeSectionReader,
};

/// Who leaves its name in a module of Go's (tool-conventions, ProducersSection.md). TinyGo is somebody else, and asks where its memory
/// ends.
const COMPILER: &str = "Go cmd/compile";
/// What the heap may grow by, in pages of 64 KiB: half of what a guest has by default.
pub(super) const ROOM: u64 = 128 * 16;

/// What of a module has to be known before it is changed.
#[derive(Default)]
struct Found {
    is_go: bool,
    types: u32,
    functions: u32,
    globals: u32,
    /// Pages of its memory.
    pages: u64,
}

impl Found {
    fn of(module: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut found = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        found.types += u32::try_from(group?.types().len()).unwrap_or(u32::MAX);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        match import?.ty {
                            TypeRef::Func(_) => found.functions += 1,
                            TypeRef::Global(_) => found.globals += 1,
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(section) => found.functions += section.count(),
                Payload::GlobalSection(section) => found.globals += section.count(),
                Payload::MemorySection(section) => {
                    for memory in section {
                        found.pages = memory?.initial;
                    }
                }
                Payload::CustomSection(section) => {
                    let KnownCustom::Producers(fields) = section.as_known() else { continue };
                    for field in fields {
                        for value in field?.values {
                            found.is_go |= value?.name == COMPILER;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

/// Gives a module of Go's the room for its heap; any other is none of this function's business.
pub(super) fn with_room(module: &[u8]) -> Result<Option<Vec<u8>>, ReencodeError> {
    let found = Found::of(module)?;
    if !found.is_go {
        return Ok(None);
    }
    let mut roomy = Module::new();
    Roomy(found).parse_core_module(&mut roomy, Parser::new(0), module)?;
    Ok(Some(roomy.finish()))
}

/// Writes a module anew: with more memory, and with a function, its last, in place of `memory.grow`.
struct Roomy(Found);

impl Reencode for Roomy {
    type Error = std::convert::Infallible;

    fn memory_type(&mut self, memory: wasmparser::MemoryType) -> Result<MemoryType, ReencodeError> {
        let memory = utils::memory_type(self, memory);
        let more = |pages: u64| pages.saturating_add(ROOM);
        Ok(MemoryType { minimum: more(memory.minimum), maximum: memory.maximum.map(more), ..memory })
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, ReencodeError> {
        match operator {
            Operator::MemoryGrow { .. } => Ok(Instruction::Call(self.0.functions)),
            // At which Go takes its heap to begin.
            Operator::MemorySize { .. } => Ok(Instruction::GlobalGet(self.0.globals)),
            _ => utils::instruction(self, operator),
        }
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result<(), ReencodeError> {
        utils::parse_type_section(self, types, section)?;
        types.ty().function([ValType::I32], [ValType::I32]);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), ReencodeError> {
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.0.types);
        Ok(())
    }

    /// Adds how many pages Go takes itself to have.
    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), ReencodeError> {
        utils::parse_global_section(self, globals, section)?;
        let ty = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(ty, &ConstExpr::i32_const(pages(self.0.pages)));
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), ReencodeError> {
        utils::parse_code_section(self, code, section)?;
        let (more, has, had) = (0, self.0.globals, 1);
        let mut grow = Function::new([(1, ValType::I32)]);
        let mut body = grow.instructions();
        body.local_get(more)
            .i32_const(pages(self.0.pages.saturating_add(ROOM)))
            .global_get(has)
            .local_tee(had)
            .i32_sub();
        body.i32_gt_u().if_(BlockType::Result(ValType::I32)).i32_const(-1).else_();
        body.local_get(had).local_get(more).i32_add().global_set(has).local_get(had).end().end();
        code.function(&grow);
        Ok(())
    }
}

/// No memory of 32 bits has more than 65,536 pages, which whoever runs the module finds out.
fn pages(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_of_another_compiler_is_left_as_it_is() {
        let by = |compiler| {
            let text = format!("(module (memory 1) (@producers (processed-by \"{compiler}\" \"1\")))");
            with_room(&wat::parse_str(text).unwrap()).unwrap()
        };
        assert!(by("TinyGo").is_none());
        assert!(by(COMPILER).is_some());
        assert!(with_room(&wat::parse_str("(module)").unwrap()).unwrap().is_none());
        assert!(with_room(b"no module").is_err());
    }
}
