package dev.portcullis.journal;

import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.dataformat.cbor.CBORFactory;
import com.fasterxml.jackson.dataformat.cbor.CBORGenerator;
import com.fasterxml.jackson.dataformat.cbor.databind.CBORMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.IOException;

/**
 * Events and states as CBOR, a map of field names. Fields may be added: unknown ones are skipped, absent ones
 * are null or zero. Instants are ISO-8601 text. Only fields and record components are written, never what a
 * getter computes. A field typed by a sealed interface carries its own {@code @JsonTypeInfo} with explicit
 * names. Why: docs/adr/0002.
 */
public final class EventCodec {

  private static final ObjectMapper CBOR = CBORMapper.builder(
          // Half a surrogate pair, as a broken stream can leave, must not cost the rest of a text.
          CBORFactory.builder()
              .enable(CBORGenerator.Feature.LENIENT_UTF_ENCODING)
              // What could be written must be readable for ever: lengths are limited where things come in.
              .streamReadConstraints(
                  StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build())
              .build())
      .addModule(new JavaTimeModule())
      .visibility(PropertyAccessor.ALL, Visibility.NONE)
      .visibility(PropertyAccessor.FIELD, Visibility.ANY)
      .visibility(PropertyAccessor.CREATOR, Visibility.ANY)
      .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
      .disable(SerializationFeature.WRITE_DURATIONS_AS_TIMESTAMPS)
      .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS) // A fact without fields is a fact.
      .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .defaultPropertyInclusion(
          JsonInclude.Value.construct(JsonInclude.Include.NON_ABSENT, JsonInclude.Include.ALWAYS))
      .build();

  private final EventTypes types;

  public EventCodec(EventTypes types) {
    this.types = types;
  }

  /** The name that {@link #decode} needs beside the bytes. */
  public String manifestOf(Object value) {
    return types.manifestOf(value);
  }

  /** @throws IllegalArgumentException when the class is not in the table or a field cannot be written */
  public byte[] encode(Object value) {
    types.manifestOf(value);
    try {
      return CBOR.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      var type = value.getClass().getName();
      throw new IllegalArgumentException("cannot encode " + type + ": " + e.getMessage(), e);
    }
  }

  /**
   * @throws IllegalArgumentException when the manifest is not in the table or the bytes are not of its class
   */
  public Object decode(String manifest, byte[] bytes) {
    var type = types.classOf(manifest);
    try {
      return CBOR.readValue(bytes, type);
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot decode \"" + manifest + "\": " + e.getMessage(), e);
    }
  }

  /** The bytes as a tree, for people; needs no class. */
  public static JsonNode tree(byte[] bytes) {
    try {
      return CBOR.readTree(bytes);
    } catch (IOException e) {
      throw new IllegalArgumentException("not CBOR: " + e.getMessage(), e);
    }
  }
}
