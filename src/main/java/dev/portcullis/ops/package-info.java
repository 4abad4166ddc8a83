/**
 * What operators and process managers see of the gateway. Entry point: {@link dev.portcullis.ops.SdNotify},
 * which tells systemd how it stands.
 */
package dev.portcullis.ops;
