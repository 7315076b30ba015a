/* SPDX-License-Identifier: Apache-2.0 */
package victims;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Kept in the class file and not shown by reflection: the RuntimeInvisible attributes. */
@Retention(RetentionPolicy.CLASS)
@Target({ElementType.TYPE, ElementType.FIELD, ElementType.METHOD, ElementType.PARAMETER, ElementType.TYPE_USE,
    ElementType.TYPE_PARAMETER})
public @interface Hidden {
    String[] value() default {};

    int depth() default 1;
}
