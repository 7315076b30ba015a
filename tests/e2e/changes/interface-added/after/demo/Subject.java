package demo;

public class Subject implements java.io.Serializable {
    static String run() {
        return "new";
    }
}
