//! Stories of two or three routers.
