//! Layouts of the types that an interface declares, from the Rust types that wasmtime makes of them.

/// The constants and the function of a [`Layout`](super::Layout) whose parts lie one after the other.
macro_rules! record_layout {
    ($($type:ty),*) => {
        const SIZE: usize = {
            let size: usize = 0;
            $(let size = $crate::plugin::kind::hooks::abi::align_up(
                size, <$type as $crate::plugin::kind::hooks::abi::Layout>::ALIGN,
            ) + <$type as $crate::plugin::kind::hooks::abi::Layout>::SIZE;)*
            $crate::plugin::kind::hooks::abi::align_up(size, Self::ALIGN)
        };
        const ALIGN: usize = $crate::plugin::kind::hooks::abi::most(&[
            1, $(<$type as $crate::plugin::kind::hooks::abi::Layout>::ALIGN),*
        ]);
        const FLAT: usize = 0 $(+ <$type as $crate::plugin::kind::hooks::abi::Layout>::FLAT)*;
        const POINTS: bool =
            false $(|| <$type as $crate::plugin::kind::hooks::abi::Layout>::POINTS)*;

        fn flatten(kinds: &mut Vec<$crate::plugin::kind::hooks::abi::Flat>) {
            let _ = &kinds;
            $(<$type as $crate::plugin::kind::hooks::abi::Layout>::flatten(kinds);)*
        }
    };
}

/// A record by its fields, in their order: `record!(Datetime { seconds: u64, nanoseconds: u32 })`. The Rust type's fields hold
/// these types.
macro_rules! record {
    ($name:path { $($field:ident: $type:ty),* }) => {
        const _: () = {
            use $crate::plugin::kind::hooks::abi::{
                FlatSlots, FlatValues, Layout, Lift, Lower, Places, Reading, Writing,
            };

            impl Layout for $name {
                $crate::plugin::kind::hooks::abi::record_layout!($($type),*);
            }

            impl Lift for $name {
                type Value<'m> = Self;

                fn lift<'m>(
                    from: &mut FlatValues<'_>,
                    memory: &mut Reading<'m>,
                ) -> wasmtime::Result<Self> {
                    Ok(Self { $($field: <$type as Lift>::lift(from, memory)?),* })
                }

                fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self> {
                    let mut places = Places(at);
                    Ok(Self {
                        $($field: <$type as Lift>::load(memory, places.next::<$type>())?),*
                    })
                }
            }

            impl Lower for $name {
                fn lower(
                    &self,
                    guest: &mut Writing<'_>,
                    into: &mut FlatSlots<'_>,
                ) -> wasmtime::Result<()> {
                    $(self.$field.lower(guest, into)?;)*
                    Ok(())
                }

                fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
                    let mut places = Places(at);
                    $(self.$field.store(guest, places.next::<$type>())?;)*
                    Ok(())
                }
            }
        };
    };
}

/// An enum or a variant by its cases, in their order: `variant!(BodyError { 0 TooLarge(u64), 1 TimedOut })`. No more than 256.
macro_rules! variant {
    ($name:path { $($number:literal $case:ident $(($type:ty))?),* }) => {
        const _: () = {
            use $crate::plugin::kind::hooks::abi::{
                Flat, FlatSlots, FlatValues, Layout, Lift, Lower, Reading, Writing, align_up, join,
                most,
            };

            /// Where the payload is, behind the byte that tells the case.
            const PAYLOAD: usize = align_up(1, <$name as Layout>::ALIGN);

            impl Layout for $name {
                const SIZE: usize = align_up(
                    PAYLOAD + most(&[$(0 $(+ <$type as Layout>::SIZE)?),*]),
                    Self::ALIGN,
                );
                const ALIGN: usize = most(&[1, $(0 $(+ <$type as Layout>::ALIGN)?),*]);
                const FLAT: usize = 1 + most(&[$(0 $(+ <$type as Layout>::FLAT)?),*]);
                const POINTS: bool = false $($(|| <$type as Layout>::POINTS)?)*;

                fn flatten(kinds: &mut Vec<Flat>) {
                    let cases = [$({
                        #[allow(unused_mut, reason = "a case may have nothing")]
                        let mut case = Vec::new();
                        $(<$type as Layout>::flatten(&mut case);)?
                        case
                    }),*];
                    join(&cases, kinds);
                }
            }

            impl Lift for $name {
                type Value<'m> = Self;

                fn lift<'m>(
                    from: &mut FlatValues<'_>,
                    memory: &mut Reading<'m>,
                ) -> wasmtime::Result<Self> {
                    let _ = &memory;
                    match from.next_u32() {
                        $($number => {
                            let value = Self::$case $((<$type as Lift>::lift(from, memory)?))?;
                            let flat = 1 $(+ <$type as Layout>::FLAT)?;
                            from.skip(<Self as Layout>::FLAT - flat);
                            Ok(value)
                        })*
                        other => wasmtime::bail!("unexpected discriminant: {other}"),
                    }
                }

                fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self> {
                    match memory.u8(at)? {
                        $($number => Ok(
                            Self::$case $((<$type as Lift>::load(memory, at + PAYLOAD)?))?
                        ),)*
                        other => wasmtime::bail!("unexpected discriminant: {other}"),
                    }
                }
            }

            impl Lower for $name {
                fn lower(
                    &self,
                    guest: &mut Writing<'_>,
                    into: &mut FlatSlots<'_>,
                ) -> wasmtime::Result<()> {
                    let _ = &guest;
                    match self {
                        $($crate::plugin::kind::hooks::abi::variant!(@case payload $name, $case $(, $type)?) => {
                            into.put_u32($number);
                            $(<$type as Lower>::lower(payload, guest, into)?;)?
                            let flat = 1 $(+ <$type as Layout>::FLAT)?;
                            into.skip(<Self as Layout>::FLAT - flat);
                        })*
                    }
                    Ok(())
                }

                fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
                    match self {
                        $($crate::plugin::kind::hooks::abi::variant!(@case payload $name, $case $(, $type)?) => {
                            guest.put(at, &[$number])?;
                            $(<$type as Lower>::store(payload, guest, at + PAYLOAD)?;)?
                        })*
                    }
                    Ok(())
                }
            }
        };
    };
    (@case $payload:ident $name:path, $case:ident, $type:ty) => { Self::$case($payload) };
    (@case $payload:ident $name:path, $case:ident) => { Self::$case };
}

pub(crate) use {record, record_layout, variant};
