package dev.portcullis.session;

/** Marker of messages that may cross nodes: bound to Pekko's Jackson CBOR serialiser. */
public interface Wire {}
