/**
 * The commands of {@code portcullis}. Entry point: {@link dev.portcullis.cli.Portcullis}. All but {@code
 * serve} are clients of a running gateway's API, or look at its data directory; {@code serve} is handed in as
 * a {@link dev.portcullis.cli.Server}, so that nothing here knows how the gateway is built.
 */
package dev.portcullis.cli;
