package dev.portcullis.harness.codex;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.agent.ToolCall;

/**
 * A question of Codex: may it do this?
 *
 * @param tool all that the question tells of the call
 * @param own it is about no call that will be heard of again: to allow it is all there is to do
 */
record CodexQuestion(ToolCall tool, boolean own, ObjectNode allow) {}
