/**
 * The built-in harness: deterministic, needs no model, scripted by the message. Entry point:
 * {@link dev.portcullis.harness.echo.EchoHarness#create}.
 */
package dev.portcullis.harness.echo;
