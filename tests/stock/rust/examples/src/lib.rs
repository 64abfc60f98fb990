//! Holds nothing: `build.sh` builds the examples in the sources of this package's dependencies as their authors wrote them.
