/* SPDX-License-Identifier: Apache-2.0 */
package victims;

import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.concurrent.TimeUnit;

/**
 * An element of every kind, each with a default (AnnotationDefault), on everything that can be
 * annotated, types included.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.FIELD, ElementType.METHOD, ElementType.PARAMETER, ElementType.CONSTRUCTOR,
    ElementType.LOCAL_VARIABLE, ElementType.ANNOTATION_TYPE, ElementType.TYPE_PARAMETER, ElementType.TYPE_USE,
    ElementType.RECORD_COMPONENT})
@Repeatable(Mark.Marks.class)
public @interface Mark {
    byte tiny() default 7;

    short small() default 300;

    char letter() default 'x';

    int number() default Version.NUMBER;

    long big() default Version.LONG;

    float part() default 0.5f;

    double ratio() default Version.DOUBLE;

    boolean yes() default true;

    String value() default Version.NAME + " mark";

    Class<?> type() default String.class;

    TimeUnit unit() default TimeUnit.SECONDS;

    Inner inner() default @Inner(words = {"a", Version.NAME, "c"}, types = {int.class, String[].class});

    Inner[] inners() default {@Inner, @Inner(words = {}, types = void.class)};

    int[] numbers() default {1, 2, Version.NUMBER};

    TimeUnit[] units() default {TimeUnit.DAYS, TimeUnit.HOURS};

    @Retention(RetentionPolicy.RUNTIME)
    @interface Inner {
        String[] words() default {"w"};

        Class<?>[] types() default {};
    }

    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.TYPE, ElementType.FIELD, ElementType.METHOD, ElementType.PARAMETER, ElementType.CONSTRUCTOR,
        ElementType.LOCAL_VARIABLE, ElementType.ANNOTATION_TYPE, ElementType.TYPE_PARAMETER, ElementType.TYPE_USE,
        ElementType.RECORD_COMPONENT})
    @interface Marks {
        Mark[] value();
    }
}
