/**
 * JSON-RPC 2.0 over lines, for agents that speak it over their standard streams. Entry point: {@link
 * dev.portcullis.harness.jsonrpc.JsonRpcPeer}.
 */
package dev.portcullis.harness.jsonrpc;
