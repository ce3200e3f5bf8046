//! Health checks of a real server.
