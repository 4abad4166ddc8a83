package dev.portcullis.ingress.ws;

import dev.portcullis.ingress.Principal;

/**
 * Who has logged in on a connection.
 *
 * @param principal with the scopes of this connection
 * @param method what was shown: token, password, device-token
 * @param deviceId empty when no device was shown
 * @param deviceToken shown to the client this once; empty when there is none
 * @param issuedAtMs of the device token
 * @param since when it logged in, in milliseconds since 1970
 */
record Welcome(
    String connId,
    Principal principal,
    ConnectRequest.Client client,
    String method,
    String deviceId,
    String deviceToken,
    long issuedAtMs,
    long since) {
  @Override
  public String toString() {
    return "Welcome[connId=" + connId + ", principal=" + principal.name() + ", client=" + client.id() + "]";
  }
}
